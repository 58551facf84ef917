	.file	"work.c"
	.text
	.p2align 4
	.type	by_name, @function
by_name:
	pushl	%ebx
	movl	8(%esp), %eax
	movl	12(%esp), %ecx
	leal	6(%eax), %ebx
	movzbl	6(%eax), %eax
	leal	6(%ecx), %edx
	testb	%al, %al
	jne	.L2
	jmp	.L10
	.p2align 4,,10
	.p2align 3
.L4:
	movzbl	1(%ebx), %eax
	leal	1(%edx), %ecx
	incl	%ebx
	testb	%al, %al
	je	.L11
	movl	%ecx, %edx
.L2:
	movzbl	(%edx), %ecx
	cmpb	%al, %cl
	je	.L4
.L3:
	popl	%ebx
	subl	%ecx, %eax
	ret
	.p2align 4,,10
	.p2align 3
.L11:
	movzbl	1(%edx), %ecx
	xorl	%eax, %eax
	popl	%ebx
	subl	%ecx, %eax
	ret
.L10:
	movzbl	6(%ecx), %ecx
	xorl	%eax, %eax
	jmp	.L3
	.size	by_name, .-by_name
	.p2align 4
	.type	sort, @function
sort:
	pushl	%ebp
	pushl	%edi
	pushl	%esi
	pushl	%ebx
	subl	$60, %esp
	cmpl	$1, %edx
	movl	%eax, 40(%esp)
	jle	.L12
	movl	%edx, %ebx
	movl	%ecx, %edi
.L13:
	movl	40(%esp), %ecx
	movl	%ebx, %eax
	xorl	%edx, %edx
	movl	%ebx, 44(%esp)
	sarl	%eax
	leal	-1(%ebx), %esi
	movl	(%ecx,%eax,4), %ebp
	.p2align 4
	.p2align 3
.L14:
	movl	%ebp, 4(%esp)
	movl	%ecx, 32(%esp)
	movl	(%ecx,%edx,4), %eax
	movl	%edx, 28(%esp)
	movl	%eax, (%esp)
	call	*%edi
	movl	28(%esp), %edx
	movl	32(%esp), %ecx
	testl	%eax, %eax
	js	.L15
	movl	%edx, 32(%esp)
	leal	(%ecx,%esi,4), %ebx
	movl	%ecx, 36(%esp)
	jmp	.L16
	.p2align 4,,10
	.p2align 3
.L17:
	decl	%esi
.L16:
	movl	%ebx, 28(%esp)
	movl	(%ebx), %eax
	subl	$4, %ebx
	movl	%ebp, (%esp)
	movl	%eax, 4(%esp)
	call	*%edi
	testl	%eax, %eax
	js	.L17
	movl	32(%esp), %edx
	movl	36(%esp), %ecx
	cmpl	%esi, %edx
	jge	.L18
	movl	28(%esp), %ebx
	decl	%esi
	movl	(%ecx,%edx,4), %eax
	movl	(%ebx), %ebx
	movl	%ebx, (%ecx,%edx,4)
	movl	28(%esp), %ebx
	movl	%eax, (%ebx)
.L15:
	incl	%edx
	jmp	.L14
	.p2align 4,,10
	.p2align 3
.L18:
	movl	40(%esp), %esi
	movl	%edi, %ecx
	movl	%edx, 28(%esp)
	movl	44(%esp), %ebx
	movl	%esi, %eax
	call	sort
	movl	28(%esp), %edx
	subl	%edx, %ebx
	cmpl	$1, %ebx
	jle	.L12
	leal	(%esi,%edx,4), %eax
	movl	%eax, 40(%esp)
	jmp	.L13
.L12:
	addl	$60, %esp
	popl	%ebx
	popl	%esi
	popl	%edi
	popl	%ebp
	ret
	.size	sort, .-sort
	.p2align 4
	.type	find, @function
find:
	pushl	%esi
	movl	%eax, %edx
	pushl	%ebx
	subl	$16, %esp
	movzbl	(%eax), %eax
	testb	%al, %al
	je	.L32
	movl	%edx, %ecx
	movl	$-2128831035, %esi
	.p2align 4
	.p2align 3
.L24:
	incl	%ecx
	xorl	%eax, %esi
	movzbl	(%ecx), %eax
	imull	$16777619, %esi, %esi
	testb	%al, %al
	jne	.L24
	andl	$511, %esi
.L23:
	xorl	%eax, %eax
	.p2align 4
	.p2align 3
.L25:
	movzbl	(%edx,%eax), %ecx
	movb	%cl, 6(%esp,%eax)
	incl	%eax
	testb	%cl, %cl
	jne	.L25
	movl	slots(,%esi,4), %eax
	testl	%eax, %eax
	je	.L27
	.p2align 4
	.p2align 3
.L47:
	leal	6(%eax), %ecx
	movzbl	6(%eax), %eax
	leal	6(%esp), %edx
	testb	%al, %al
	jne	.L28
	jmp	.L45
	.p2align 4,,10
	.p2align 3
.L30:
	movzbl	1(%ecx), %eax
	leal	1(%edx), %ebx
	incl	%ecx
	testb	%al, %al
	je	.L46
	movl	%ebx, %edx
.L28:
	cmpb	%al, (%edx)
	je	.L30
	incl	%esi
	andl	$511, %esi
.L48:
	movl	slots(,%esi,4), %eax
	testl	%eax, %eax
	jne	.L47
.L27:
	leal	slots(,%esi,4), %eax
	addl	$16, %esp
	popl	%ebx
	popl	%esi
	ret
	.p2align 4,,10
	.p2align 3
.L46:
	movzbl	1(%edx), %eax
.L29:
	testb	%al, %al
	je	.L27
	incl	%esi
	andl	$511, %esi
	jmp	.L48
.L45:
	movzbl	6(%esp), %eax
	jmp	.L29
.L32:
	movl	$453, %esi
	jmp	.L23
	.size	find, .-find
	.p2align 4
	.type	by_group_and_key, @function
by_group_and_key:
	pushl	%ebx
	movl	8(%esp), %edx
	movl	12(%esp), %eax
	movzwl	4(%edx), %ebx
	movzwl	4(%eax), %ecx
	cmpl	%ecx, %ebx
	je	.L50
	sbbl	%eax, %eax
	orl	$1, %eax
.L49:
	popl	%ebx
	ret
	.p2align 4,,10
	.p2align 3
.L50:
	movl	(%eax), %ecx
	movl	$-1, %eax
	movl	(%edx), %edx
	cmpl	%ecx, %edx
	jb	.L49
	popl	%ebx
	xorl	%eax, %eax
	cmpl	%edx, %ecx
	setb	%al
	ret
	.size	by_group_and_key, .-by_group_and_key
	.section	.rodata.str1.1,"aMS",@progbits,1
.LC0:
	.string	"0123456789abcdef"
	.text
	.p2align 4
	.type	report, @function
report:
	pushl	%ebp
	xorl	%ebp, %ebp
	pushl	%edi
	movl	$text, %edx
	pushl	%esi
	movl	$-858993459, %edi
	pushl	%ebx
	subl	$48, %esp
	movl	%ebp, 8(%esp)
	leal	16(%esp), %esi
	.p2align 4
	.p2align 3
.L60:
	movl	8(%esp), %eax
	movl	order(,%eax,4), %ecx
	movzbl	6(%ecx), %eax
	leal	6(%ecx), %ebx
	testb	%al, %al
	je	.L56
	.p2align 4
	.p2align 3
.L57:
	movb	%al, (%edx)
	incl	%edx
	incl	%ebx
	movzbl	(%ebx), %eax
	testb	%al, %al
	jne	.L57
.L56:
	movb	$61, (%edx)
	leal	1(%edx), %ebp
	xorl	%ebx, %ebx
	movl	%ebp, 12(%esp)
	movl	(%ecx), %ecx
	.p2align 4
	.p2align 3
.L58:
	movl	%ebx, 4(%esp)
	movl	%ecx, %eax
	movl	%ecx, %ebp
	mull	%edi
	incl	%ebx
	shrl	$3, %edx
	leal	(%edx,%edx,4), %eax
	addl	%eax, %eax
	subl	%eax, %ebp
	movzbl	.LC0(%ebp), %eax
	movb	%al, 3(%esp)
	movb	%al, 15(%esp,%ebx)
	movl	%ecx, %eax
	movl	%edx, %ecx
	cmpl	$9, %eax
	ja	.L58
	movl	12(%esp), %ebp
	movl	4(%esp), %eax
	movl	%ebp, %edx
	addl	%esi, %eax
	.p2align 4
	.p2align 3
.L59:
	movzbl	(%eax), %ecx
	incl	%edx
	movb	%cl, -1(%edx)
	movl	%eax, %ecx
	decl	%eax
	cmpl	%ecx, %esi
	jne	.L59
	movb	$10, 0(%ebp,%ebx)
	movl	4(%esp), %eax
	incl	8(%esp)
	leal	2(%ebp,%eax), %edx
	movl	8(%esp), %eax
	addl	$-128, %eax
	jne	.L60
	addl	$48, %esp
	movl	%edx, %eax
	popl	%ebx
	subl	$text, %eax
	popl	%esi
	popl	%edi
	popl	%ebp
	ret
	.size	report, .-report
	.p2align 4
	.globl	work
	.type	work, @function
work:
	pushl	%ebp
	movl	$2, %eax
	pushl	%edi
	pushl	%esi
	pushl	%ebx
	subl	$76, %esp
	.p2align 4
	.p2align 3
.L70:
	movb	$0, composite(%eax)
	incl	%eax
	cmpl	$4096, %eax
	jne	.L70
	xorl	%esi, %esi
	movl	$2, %eax
	jmp	.L74
	.p2align 4,,10
	.p2align 3
.L71:
	incl	%eax
	cmpl	$4096, %eax
	je	.L115
.L74:
	cmpb	$0, composite(%eax)
	jne	.L71
	movl	%eax, %edx
	incl	%esi
	imull	%eax, %edx
	cmpl	$4095, %edx
	ja	.L71
	.p2align 4
	.p2align 3
.L73:
	movb	$1, composite(%edx)
	addl	%eax, %edx
	cmpl	$4095, %edx
	jbe	.L73
	incl	%eax
	cmpl	$4096, %eax
	jne	.L74
.L115:
	xorl	%eax, %eax
	.p2align 4
	.p2align 3
.L77:
	movl	%eax, %edx
	movl	$8, %ecx
	.p2align 4
	.p2align 3
.L76:
	movl	%edx, %ebx
	shrl	%edx
	andl	$1, %ebx
	testl	%ebx, %ebx
	je	.L75
	xorl	$-306674912, %edx
.L75:
	decl	%ecx
	jne	.L76
	movl	%edx, crc_table(,%eax,4)
	incl	%eax
	cmpl	$256, %eax
	jne	.L77
	movl	$records, %ebx
	xorl	%edi, %edi
	movl	%esi, 12(%esp)
	leal	32(%esp), %ebp
	movl	$-1831433054, %ecx
	.p2align 4
	.p2align 3
.L80:
	movl	%ecx, %edx
	sall	$13, %edx
	xorl	%ecx, %edx
	movl	%edx, %eax
	shrl	$17, %eax
	xorl	%edx, %eax
	movl	%eax, %esi
	sall	$5, %esi
	xorl	%eax, %esi
	movl	%esi, (%ebx)
	movl	%esi, %edx
	sall	$13, %edx
	xorl	%esi, %edx
	andl	$1048575, %esi
	movl	%esi, (%esp)
	movl	%edx, %eax
	xorl	%esi, %esi
	shrl	$17, %eax
	xorl	%edx, %eax
	movl	%eax, %ecx
	sall	$5, %ecx
	xorl	%eax, %ecx
	movl	$613566757, %eax
	mull	%ecx
	movl	%ecx, %eax
	subl	%edx, %eax
	shrl	%eax
	addl	%eax, %edx
	shrl	$2, %edx
	leal	0(,%edx,8), %eax
	subl	%edx, %eax
	movl	%ecx, %edx
	subl	%eax, %edx
	movw	%dx, 4(%ebx)
	leal	6(%ebx), %edx
	.p2align 4
	.p2align 3
.L78:
	movl	%esi, 4(%esp)
	movl	(%esp), %eax
	incl	%esi
	andl	$15, %eax
	movzbl	.LC0(%eax), %eax
	movb	%al, 8(%esp)
	movb	%al, 31(%esp,%esi)
	movl	(%esp), %eax
	shrl	$4, (%esp)
	cmpl	$15, %eax
	ja	.L78
	movl	%edx, (%esp)
	movl	4(%esp), %eax
	movl	%edx, 4(%esp)
	addl	%ebp, %eax
	movl	%eax, 8(%esp)
	.p2align 4
	.p2align 3
.L79:
	movl	8(%esp), %edx
	incl	4(%esp)
	movzbl	(%edx), %edx
	movl	4(%esp), %eax
	movb	%dl, -1(%eax)
	movl	8(%esp), %edx
	movl	%edx, %eax
	decl	%edx
	movl	%edx, 8(%esp)
	cmpl	%eax, %ebp
	jne	.L79
	movl	%ebx, order(,%edi,4)
	movl	(%esp), %edx
	incl	%edi
	addl	$16, %ebx
	cmpl	$256, %edi
	movb	$0, (%edx,%esi)
	jne	.L80
	movl	%ecx, seed
	movl	$256, %edx
	movl	$by_group_and_key, %ecx
	movl	$order, %eax
	movl	12(%esp), %esi
	call	sort
	call	report
	testl	%eax, %eax
	movl	%eax, %ebx
	je	.L92
	addl	$text, %ebx
	movl	$-1, %eax
	movl	$text, %edx
.L82:
	movzbl	(%edx), %ecx
	incl	%edx
	xorb	%al, %cl
	shrl	$8, %eax
	movzbl	%cl, %ecx
	movl	crc_table(,%ecx,4), %edi
	xorl	%edi, %eax
	cmpl	%ebx, %edx
	jne	.L82
.L81:
	movl	%esi, %edi
	movl	$by_name, %ecx
	xorl	%eax, %edi
	movl	$256, %edx
	movl	$order, %eax
	call	sort
	call	report
	testl	%eax, %eax
	movl	%eax, %ebx
	je	.L83
	addl	$text, %ebx
	movl	$-1, %eax
	movl	$text, %edx
.L84:
	movzbl	(%edx), %ecx
	incl	%edx
	xorb	%al, %cl
	shrl	$8, %eax
	movzbl	%cl, %ecx
	movl	crc_table(,%ecx,4), %esi
	xorl	%esi, %eax
	cmpl	%ebx, %edx
	jne	.L84
	notl	%eax
	addl	%eax, %eax
	xorl	%eax, %edi
.L83:
	xorl	%eax, %eax
	.p2align 4
	.p2align 3
.L85:
	xorl	%edx, %edx
	movl	%edx, slots(,%eax,4)
	incl	%eax
	cmpl	$512, %eax
	jne	.L85
	movl	$records+6, %ebx
	.p2align 4
	.p2align 3
.L86:
	movl	%ebx, %eax
	call	find
	leal	-6(%ebx), %edx
	addl	$16, %ebx
	cmpl	$records+4102, %ebx
	movl	%edx, (%eax)
	jne	.L86
	movl	%edi, 8(%esp)
	xorl	%esi, %esi
	xorl	%ebx, %ebx
	.p2align 4
	.p2align 3
.L91:
	testb	$1, %bl
	je	.L87
	movl	%ebx, %eax
	sall	$4, %eax
	movl	records(%eax), %eax
	andl	$1048575, %eax
.L88:
	xorl	%ecx, %ecx
	.p2align 4
	.p2align 3
.L89:
	movl	%ecx, (%esp)
	movl	%eax, %edi
	incl	%ecx
	andl	$15, %edi
	movzbl	.LC0(%edi), %edx
	movl	%eax, %edi
	shrl	$4, %eax
	cmpl	$15, %edi
	movb	%dl, 4(%esp)
	movb	%dl, 31(%esp,%ecx)
	ja	.L89
	movl	(%esp), %edx
	movl	%ecx, (%esp)
	leal	0(%ebp,%edx), %eax
	leal	20(%esp), %edx
	.p2align 4
	.p2align 3
.L90:
	movzbl	(%eax), %ecx
	movl	%eax, %edi
	incl	%edx
	decl	%eax
	cmpl	%ebp, %edi
	movb	%cl, -1(%edx)
	jne	.L90
	movl	(%esp), %ecx
	leal	20(%esp), %eax
	movb	$0, 20(%esp,%ecx)
	call	find
	cmpl	$1, (%eax)
	sbbl	$-1, %esi
	incl	%ebx
	cmpl	$256, %ebx
	jne	.L91
	movl	8(%esp), %edi
	addl	$76, %esp
	movl	%esi, %eax
	popl	%ebx
	popl	%esi
	subl	%edi, %eax
	decl	%eax
	popl	%edi
	popl	%ebp
	ret
	.p2align 4,,10
	.p2align 3
.L87:
	movl	seed, %edx
	movl	%edx, %eax
	sall	$13, %eax
	xorl	%edx, %eax
	movl	%eax, %edx
	shrl	$17, %edx
	xorl	%eax, %edx
	movl	%edx, %eax
	sall	$5, %eax
	xorl	%edx, %eax
	movl	%eax, seed
	andl	$1048575, %eax
	jmp	.L88
.L92:
	movl	$-1, %eax
	jmp	.L81
	.size	work, .-work
	.local	text
	.comm	text,4096,32
	.local	crc_table
	.comm	crc_table,1024,32
	.local	slots
	.comm	slots,2048,32
	.local	order
	.comm	order,1024,32
	.local	records
	.comm	records,4096,32
	.local	composite
	.comm	composite,4096,32
	.local	seed
	.comm	seed,4,4
	.section	.note.GNU-stack,"",@progbits
